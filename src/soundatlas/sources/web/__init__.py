"""Asking services: one client, through which every call of every source goes."""
