"""`python -m lecturelib.grading`: the teacher's commands."""

from lecturelib.grading.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
