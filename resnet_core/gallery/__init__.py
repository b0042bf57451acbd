"""The gallery: the runs that ship with the lab, which they are and how they are made again."""
