"""bash completion from the help."""

HEAD = """# bash completion for pghangd. Made by scripts/make-documents from pghangd --help.

_pghangd() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command="" values="" index
  COMPREPLY=()
  # The command: the words that are no options, as far as they name one.
  for ((index = 1; index < COMP_CWORD; ++index)); do
    case "${command:+$command }${COMP_WORDS[index]}" in
"""

MIDDLE = """    esac
  done
  case "$previous" in
"""

FILES = """      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return
      ;;
"""

TAIL = """  esac
  mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
}

complete -F _pghangd pghangd
"""

# What the values of an option are, by the name that the help gives them.
FILE_VALUES = {"FILE", "BUNDLE", "CATALOGUE"}
WORDS = {"MODE": "observe enforce", "LEVEL": "debug info warn error", "FORMAT": "logfmt json"}
FILE_POSITIONALS = {"file", "files", "bundles"}


def make(top):
    commands = list(top.all())
    out = [HEAD]
    names = [" ".join(command.words) for command in commands if command.words]
    out.append("      " + " | ".join(quoted(name) for name in names) + ")\n")
    out.append('        command=${command:+$command }${COMP_WORDS[index]} ;;\n')
    out.append(MIDDLE)
    out += values_of_options(commands)
    out.append('  esac\n  case "$command" in\n')
    for command in commands:
        out.append(f"    {quoted(' '.join(command.words))})\n      values=\"{' '.join(words_of(command))}\"\n      ;;\n")
    out.append('  esac\n  case "$word" in\n    -*) ;;\n    *)\n      case "$command" in\n')
    files = [" ".join(command.words) for command in commands if takes_files(command)]
    out.append("        " + " | ".join(quoted(name) for name in files) + ")\n")
    out.append("    " + FILES.replace("\n      ", "\n          ").rstrip(" "))
    out.append("      esac\n      ;;\n")
    out.append(TAIL)
    return "".join(out)


def quoted(text):
    return f'"{text}"' if " " in text or not text else text


def takes_files(command):
    return any(one.names[0] in FILE_POSITIONALS for one in command.positionals)


def words_of(command):
    return [below.words[-1] for below in command.commands] + [one for o in command.options for one in o.names]


def values_of_options(commands):
    """What follows an option that takes a value: files, words, or nothing that could be known."""
    by_kind = {}
    for command in commands:
        for one in command.options:
            if one.value:
                kind = "files" if one.value in FILE_VALUES else WORDS.get(one.value, "")
                by_kind.setdefault(kind, {}).update(dict.fromkeys(one.names))
    for kind, names in by_kind.items():
        yield "    " + " | ".join(names) + ")\n"
        if kind == "files":
            yield FILES
        elif kind:
            yield f'      mapfile -t COMPREPLY < <(compgen -W "{kind}" -- "$word")\n      return\n      ;;\n'
        else:
            yield "      return\n      ;;\n"
