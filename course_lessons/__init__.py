"""What belongs to one lesson beside its text: its lab (``labs``), and its exercises, guesses and
quiz (``checks``), as data. How they are drawn, trained and judged stands in ``course_utils``.
"""
