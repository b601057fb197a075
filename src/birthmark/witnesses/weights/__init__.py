"""What a suspect's weights say, beside the victim's."""
