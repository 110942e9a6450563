"""Codebook engines that compute each codeword's dot product once and look it up."""
