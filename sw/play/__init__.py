"""The virtual board: a network to try out before there is a board, in a browser or on a line."""
