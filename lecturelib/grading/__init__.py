"""Exercises: checks for learners, releases for authors, and a grader for teachers."""

from lecturelib.grading.learner import check, progress, start
from lecturelib.grading.submission import export

__all__ = ["check", "export", "progress", "start"]
