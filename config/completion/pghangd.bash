# bash completion for pghangd. Made by scripts/make-documents from pghangd --help.

_pghangd() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command="" values="" index
  COMPREPLY=()
  # The command: the words that are no options, as far as they name one.
  for ((index = 1; index < COMP_CWORD; ++index)); do
    case "${command:+$command }${COMP_WORDS[index]}" in
      run | check-config | check-signatures | plan | diagnose | replay | doctor)
        command=${command:+$command }${COMP_WORDS[index]} ;;
    esac
  done
  case "$previous" in
    --config.file | --save)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return
      ;;
    --dsn | --web.listen-address | --web.telemetry-path | --web.external-url | --samples | --interval | --debuginfod | --trace | --user)
      return
      ;;
    --mode)
      mapfile -t COMPREPLY < <(compgen -W "observe enforce" -- "$word")
      return
      ;;
    --log.level)
      mapfile -t COMPREPLY < <(compgen -W "debug info warn error" -- "$word")
      return
      ;;
    --log.format)
      mapfile -t COMPREPLY < <(compgen -W "logfmt json" -- "$word")
      return
      ;;
  esac
  case "$command" in
    "")
      values="run check-config check-signatures plan diagnose replay doctor -h --help --version"
      ;;
    run)
      values="-h --help --config.file --dsn --mode --web.listen-address --web.telemetry-path --web.enable-lifecycle --web.external-url --log.level --log.format"
      ;;
    check-config)
      values="-h --help"
      ;;
    check-signatures)
      values="-h --help"
      ;;
    plan)
      values="-h --help --config.file --dsn --mode"
      ;;
    diagnose)
      values="-h --help --json --samples --interval --no-stop --inlines --debuginfod --trace --save"
      ;;
    replay)
      values="-h --help --json"
      ;;
    doctor)
      values="-h --help --config.file --dsn --mode --json --user"
      ;;
  esac
  case "$word" in
    -*) ;;
    *)
      case "$command" in
        check-config | check-signatures | replay)
          compopt -o filenames 2>/dev/null
          mapfile -t COMPREPLY < <(compgen -f -- "$word")
          return
          ;;
      esac
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
}

complete -F _pghangd pghangd
