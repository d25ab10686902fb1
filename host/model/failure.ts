import type { AssistantMessage } from './messages.ts';

/** What a failed answer means for what comes next. */
export type FailureKind =
  /** Overload, a rate limit, a broken connection: the same request may succeed later. */
  | 'transient'
  /** The context does not fit; a shorter one may. */
  | 'overflow'
  /** Somebody stopped it. */
  | 'aborted'
  /** A missing key, an exhausted quota: this provider does not answer us; another one may. */
  | 'unavailable'
  /** The request is wrong: asking again, or somebody else, changes nothing. */
  | 'final';

/** What can be done about an answer that failed; `undefined` for one that did not. Providers say it in words only. */
export function failureOf({ stopReason, errorMessage = '' }: AssistantMessage): FailureKind | undefined {
  if (stopReason === 'aborted') return 'aborted';
  if (stopReason !== 'error') return undefined;
  if (LIMITED.test(errorMessage)) return EXHAUSTED.test(errorMessage) ? 'unavailable' : 'transient';
  if (OVERFLOW.test(errorMessage)) return 'overflow';
  if (UNAVAILABLE.test(errorMessage)) return 'unavailable';
  if (FINAL.test(errorMessage)) return 'final';
  return TRANSIENT.test(errorMessage) ? 'transient' : 'final';
}

// A rate limit counts tokens, too: it goes before the overflow, which is worded alike.
const LIMITED = /rate.?limit|too many requests|throttl|\b429\b|RESOURCE_EXHAUSTED/i;
const EXHAUSTED = /insufficient|billing|credit|quota exceeded for the month|exceeded your (?:current )?(?:monthly )?quota/i;
/** As the providers word it: Anthropic, OpenAI and its kin, Google, xAI, Groq, Together, Mistral, llama.cpp, LM Studio, Ollama. */
const OVERFLOW = new RegExp(
  [
    'prompt (?:is )?too long',
    'request_too_large',
    'input is too long',
    'exceeds? the context window',
    'context[_ ]length[_ ]exceeded',
    'maximum context length',
    'input token count.*exceeds the maximum',
    'maximum prompt length is \\d+',
    'reduce the length of the messages',
    'longer than the model.?s context length',
    'exceeds the available context size',
    'greater than the context length',
    'context window exceeds limit',
    'exceeded model token limit',
    'model_context_window_exceeded',
    'token limit exceeded',
    'too many tokens',
  ].join('|'),
  'i',
);
const UNAVAILABLE = /quota|billing|insufficient|credit|unauthori[sz]ed|forbidden|permission|api.?key|authentication|\b(?:401|402|403)\b/i;
const FINAL = /invalid|SCRIPT_/i;
const TRANSIENT =
  /overloaded|\b(?:408|409|500|502|503|504|529)\b|timed? ?out|ECONNRESET|ECONNREFUSED|EPIPE|socket hang up|fetch failed|network|connection error|terminated|aborted|premature|other side closed|ended without|before message_stop|internal server error|service unavailable|unavailable/i;
