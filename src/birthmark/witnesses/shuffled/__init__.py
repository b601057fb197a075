"""What a suspect knows of the images that the owner shuffled before training."""
