"""Tests of the installation of plugins: real tools, wheels and directories."""
