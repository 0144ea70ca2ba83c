"""What makes handouts, stored notebooks and the tables of the README."""
