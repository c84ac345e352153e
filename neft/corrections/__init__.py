"""What may be corrected between training and deployment. Chips that are already programmed are not touched here."""
