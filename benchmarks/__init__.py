"""What each kernel costs beside its peers, as ratios of CPU time."""
