"""EmpirioLabs, as the local server plays it."""
