"""What is left when a process is killed at any moment."""
