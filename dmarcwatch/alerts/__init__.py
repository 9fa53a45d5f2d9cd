"""What somebody should be told: from what stands in the database to the words of a message."""
