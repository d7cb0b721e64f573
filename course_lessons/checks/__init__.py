"""Each ``lesson_NN`` has EXERCISES and GUESSES by key, and QUIZ; CONTRIBUTING.md says how."""
