"""The frozen values that flow through the program, one file for each noun, and their JSON."""
