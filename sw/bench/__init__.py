"""Measurements that `make bench` makes: figures as values, for the command line to print."""
