"""Single lines of the pure modules, broken one at a time: how many of the breaks do the tests notice?"""
