"""What trains any network, a zoo's or another: networks, augmentation, objectives, the loop."""
