"""A finished run as files for other programs, for print and for other people.

Every export is a `Files`: names and bytes. Nothing here writes to the disk; the
command line and the app decide where the bytes go.
"""
