"""EmpirioLabs, as the local server imitates it."""
