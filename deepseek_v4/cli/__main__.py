"""``python -m deepseek_v4.cli`` is the command ``deepseek-v4``."""

from deepseek_v4.cli import main

main()
