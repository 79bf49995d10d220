"""Make what is given to learners from the authors' notebooks in exercises/.

python tools/make_exercises.py [NAMES]           write the student notebooks and the public tests
python tools/make_exercises.py --check           change nothing; exit 1 and list what is out of step
python tools/make_exercises.py --validate        run solutions, stubs and wrong answers, too
python tools/make_exercises.py --solutions DIR   write the notebooks with solutions into a folder

Each exercises/NN_name/NN_name.ipynb becomes exercises/NN_name/student/NN_name.ipynb and
lecturelib/grading/public/NN_name.json, which travels in the library.
"""

import argparse
import json
import sys
from pathlib import Path

from lecturelib.grading import release
from lecturelib.grading.exercise import load
from lecturelib.grading.validate import validate

ROOT = Path(__file__).resolve().parents[1]


def products(exercise, folder):
    """The files that are made of an exercise, and their texts."""
    return {
        folder / "student" / f"{exercise.name}.ipynb": release.text(
            release.student_notebook(exercise)
        ),
        release.FOLDER / f"{exercise.name}.json": release.public_text(exercise),
    }


def is_current(path, text):
    """Whether the file has this text, recorded numbers up to rounding."""
    if not path.is_file() or path.suffix != ".json":
        return path.is_file() and path.read_text("utf-8") == text
    return release.same_public(json.loads(path.read_text("utf-8")), json.loads(text))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="exercises; default: all")
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--validate", action="store_true", help="run every answer")
    parser.add_argument("--solutions", type=Path, metavar="DIR", help="where solutions go")
    options = parser.parse_args(argv)
    folders = sorted(p for p in (ROOT / "exercises").iterdir() if (p / f"{p.name}.ipynb").is_file())
    unknown = set(options.names) - {folder.name for folder in folders}
    if unknown:
        parser.error(f"no such exercise: {', '.join(sorted(unknown))}")
    failed = False
    for folder in folders:
        if options.names and folder.name not in options.names:
            continue
        exercise = load(folder)
        if options.validate:
            for finding in validate(exercise):
                print(f"{exercise.name}: {finding}", file=sys.stderr)
                failed = True
        if options.solutions:
            options.solutions.mkdir(parents=True, exist_ok=True)
            target = options.solutions / f"{exercise.name}_solution.ipynb"
            target.write_text(release.text(release.solution_notebook(exercise)), "utf-8")
            print(target)
        for path, text in products(exercise, folder).items():
            if is_current(path, text):
                continue
            print(f"{path.relative_to(ROOT)}: {'out of step' if options.check else 'written'}")
            failed |= options.check
            if not options.check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
    if failed and options.check:
        print("Run:  python tools/make_exercises.py", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
