"""Whether this machine and this project can do their work: plain checks, one module per kind.

A check takes the project's folder and returns findings. What it imports beyond the standard library it imports when
it runs, since a package that is missing is one of the things to find out.
"""
