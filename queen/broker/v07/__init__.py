"""The dialect of server 0.7: its routes, and its rules where they are not those of 0.15."""
