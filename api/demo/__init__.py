"""The main job from end to end, shown on a terminal."""
