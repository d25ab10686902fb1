interface OptionConfig {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  readonly default?: string | boolean | readonly (string | boolean)[];
}

interface ParseArgsConfig {
  readonly args?: readonly string[];
  readonly options?: Readonly<Record<string, OptionConfig>>;
  readonly strict?: boolean;
  readonly allowPositionals?: boolean;
  readonly allowNegative?: boolean;
  readonly tokens?: boolean;
}

type Token =
  | {
      readonly kind: 'option';
      readonly index: number;
      readonly name: string;
      readonly rawName: string;
      readonly value: string | undefined;
      readonly inlineValue: boolean | undefined;
    }
  | { readonly kind: 'positional'; readonly index: number; readonly value: string }
  | { readonly kind: 'option-terminator'; readonly index: number };

/** Node's `util.parseArgs`. */
export function parseArgs(config: ParseArgsConfig = {}) {
  const { args = process.argv.slice(2), options = {}, strict = true, allowNegative = false } = config;
  const allowPositionals = config.allowPositionals ?? !strict;
  const values: Record<string, unknown> = Object.create(null);
  const positionals: string[] = [];
  const tokens = tokenize(args, options);
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      if (!allowPositionals)
        throw failure('ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL', `Unexpected argument '${token.value}'. This command does not take positional arguments`);
      positionals.push(token.value);
      continue;
    }
    const negated = allowNegative && token.name.startsWith('no-') && options[token.name] === undefined;
    const name = negated ? token.name.slice(3) : token.name;
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (strict) assertUsable(token, option);
    store(values, name, option, negated ? false : (token.value ?? true));
  }
  for (const [name, { default: fallback }] of Object.entries(options)) {
    if (fallback !== undefined && values[name] === undefined) values[name] = fallback;
  }
  return config.tokens ? { values, positionals, tokens } : { values, positionals };
}

function tokenize(args: readonly string[], options: Readonly<Record<string, OptionConfig>>): Token[] {
  const tokens: Token[] = [];
  const takesValue = (name: string) => options[name]?.type === 'string';
  const byShort = (short: string) => Object.entries(options).find(([, option]) => option.short === short)?.[0] ?? short;
  const rest = [...args];
  let index = -1;
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    index++;
    const at = index;
    const add = (name: string, rawName: string, inline: string | undefined) => {
      let value = inline;
      if (value === undefined && takesValue(name) && rest[0] !== undefined && rest[0] !== '--') {
        value = rest.shift();
        index++;
      }
      tokens.push({ kind: 'option', name, rawName, index: at, value, inlineValue: value === undefined ? undefined : inline !== undefined });
    };
    if (arg === '--') {
      tokens.push({ kind: 'option-terminator', index });
      for (const value of rest.splice(0)) tokens.push({ kind: 'positional', index: ++index, value });
    } else if (/^--[^=]/.test(arg)) {
      const [name = '', ...value] = arg.slice(2).split('=');
      add(name, `--${name}`, arg.includes('=') ? value.join('=') : undefined);
    } else if (/^-[^-]/.test(arg)) {
      for (let place = 1; place < arg.length; place++) {
        const short = arg.charAt(place);
        const name = byShort(short);
        const inline = takesValue(name) && place + 1 < arg.length ? arg.slice(place + 1) : undefined;
        add(name, `-${short}`, inline);
        if (inline !== undefined) break;
      }
    } else {
      tokens.push({ kind: 'positional', index, value: arg });
    }
  }
  return tokens;
}

function assertUsable(token: Token & { kind: 'option' }, option: OptionConfig | undefined): void {
  if (option === undefined) throw failure('ERR_PARSE_ARGS_UNKNOWN_OPTION', `Unknown option '${token.rawName}'`);
  const shown = `${option.short === undefined ? '' : `-${option.short}, `}--${token.name}`;
  if (option.type === 'string' && token.value === undefined) throw failure('ERR_PARSE_ARGS_INVALID_OPTION_VALUE', `Option '${shown} <value>' argument missing`);
  if (option.type === 'boolean' && token.value !== undefined)
    throw failure('ERR_PARSE_ARGS_INVALID_OPTION_VALUE', `Option '${shown}' does not take an argument`);
  if (option.type === 'string' && token.inlineValue === false && token.value?.startsWith('-') && token.value.length > 1) {
    throw failure(
      'ERR_PARSE_ARGS_INVALID_OPTION_VALUE',
      `Option '${token.rawName}' argument is ambiguous.\nDid you forget to specify the option argument for '${token.rawName}'?`,
    );
  }
}

function store(values: Record<string, unknown>, name: string, option: OptionConfig | undefined, value: string | boolean): void {
  if (name === '__proto__') return;
  const known = values[name];
  values[name] = option?.multiple ? [...(Array.isArray(known) ? known : []), value] : value;
}

function failure(code: string, message: string): Error {
  return Object.assign(new TypeError(message), { code });
}
