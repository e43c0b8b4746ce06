"""Code that both adapters share and scripts do not need. Imports no framework."""
