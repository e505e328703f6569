"""The files that a back-end runs: each stands alone and imports nothing of this project."""
