"""What operators ask of a server, one module for each subject, and ``Admin`` with all of it."""
