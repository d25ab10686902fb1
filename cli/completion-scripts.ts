/**
 * What makes a shell ask `dash __complete` at Tab. The scripts know no command by name: what they offer is always that
 * of the program that is installed, and a script that was saved long ago is never wrong.
 */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

export function isShell(text: string): text is Shell {
  return SHELLS.some((shell) => shell === text);
}

/** Splits at blanks, not at bash's word breaks: `npm:name` is one word of ours and three of bash's. */
const BASH = `# completion of dash in bash: source <(dash completion bash)
_dash() {
  local line value current kept
  local -a typed
  read -ra typed <<< "\${COMP_LINE:0:COMP_POINT}"
  current=""
  if [[ "\${COMP_LINE:0:COMP_POINT}" != *[[:blank:]] ]]; then
    current="\${typed[-1]}"
    unset 'typed[-1]'
  fi
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ "$line" == ":files" ]]; then
      compopt -o default 2>/dev/null
    else
      value="\${line%%$'\\t'*}"
      # readline replaces only what stands behind the last word break
      if [[ "$current" == *[:=]* && "$COMP_WORDBREAKS" == *:* ]]; then
        kept="\${current%"\${current##*[:=]}"}"
        value="\${value#"$kept"}"
      fi
      COMPREPLY+=("$(printf '%q' "$value")")
    fi
  done < <("$1" __complete -- "\${typed[@]:1}" "$current" 2>/dev/null)
}
complete -F _dash dash dash-agent
`;

const ZSH = `#compdef dash dash-agent
# completion of dash in zsh: source <(dash completion zsh)
_dash() {
  local line files=0
  local -a lines values
  lines=("\${(@f)$("\${words[1]}" __complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)words[CURRENT]}" 2>/dev/null)}")
  for line in "\${lines[@]}"; do
    if [[ "$line" == ":files" ]]; then
      files=1
    elif [[ -n "$line" ]]; then
      values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done
  (( \${#values} )) && _describe 'dash' values
  (( files )) && _files
}
if [[ "\${funcstack[1]}" == "_dash" ]]; then
  _dash "$@"
else
  compdef _dash dash dash-agent
fi
`;

const FISH = `# completion of dash in fish: dash completion fish | source
function __dash_complete
  set -l typed (commandline -opc)
  set -l program $typed[1]
  set -e typed[1]
  set -l current (commandline -ct)
  for line in (command $program __complete -- $typed "$current" 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path "$current"
    else
      echo $line
    end
  end
end
complete -c dash -f -a '(__dash_complete)'
complete -c dash-agent -f -a '(__dash_complete)'
`;

/** The text that each shell reads. */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
