"""The same products on independent ways of computing them, and how far these are apart."""
