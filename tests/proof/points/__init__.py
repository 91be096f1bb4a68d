"""Every named crash point of the path, hit in real processes and judged by what history and the witnesses say."""
