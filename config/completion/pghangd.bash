# bash completion for pghangd. Made by scripts/make-documents from pghangd --help.

_pghangd() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command="" values="" index
  COMPREPLY=()
  # The command: the words that are no options, as far as they name one.
  for ((index = 1; index < COMP_CWORD; ++index)); do
    case "${command:+$command }${COMP_WORDS[index]}" in
      run | check-config | check-signatures | plan | diagnose | replay | doctor | incidents | "incidents list" | "incidents show" | "incidents audit" | pause | resume)
        command=${command:+$command }${COMP_WORDS[index]} ;;
    esac
  done
  case "$previous" in
    --config.file | --web.config.file | --save | --store)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return
      ;;
    --dsn | --web.listen-address | --web.telemetry-path | --web.external-url | --samples | --interval | --debuginfod | --trace | --user | --since | --state | --control.socket | --reason)
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
      values="run check-config check-signatures plan diagnose replay doctor incidents pause resume -h --help --version"
      ;;
    run)
      values="-h --help --config.file --dsn --mode --web.listen-address --web.config.file --web.telemetry-path --web.external-url --web.enable-lifecycle --web.systemd-socket --log.level --log.format"
      ;;
    check-config)
      values="-h --help --web.config.file"
      ;;
    check-signatures)
      values="-h --help"
      ;;
    plan)
      values="-h --help --config.file --dsn --mode --json"
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
    incidents)
      values="list show audit -h --help"
      ;;
    "incidents list")
      values="-h --help --config.file --store --json --since --state"
      ;;
    "incidents show")
      values="-h --help --config.file --store --json"
      ;;
    "incidents audit")
      values="-h --help --config.file --store --json --since"
      ;;
    pause)
      values="-h --help --config.file --control.socket --reason"
      ;;
    resume)
      values="-h --help --config.file --control.socket"
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
