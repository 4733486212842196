"""Fine-tuning of potentials."""
