"""What readers do with stored files that are not as they were written."""
