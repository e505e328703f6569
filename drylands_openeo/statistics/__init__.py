"""What is computed over a whole region from finished maps."""
