"""What both adapters need and scripts do not. Imports no framework."""
