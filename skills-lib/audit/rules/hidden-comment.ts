import { patternRule } from '../rule.ts';

/** A comment is not shown where markdown is, and a model reads it. */
export const hiddenComment = patternRule(
  'hidden-comment',
  'high',
  /<!--(?:(?!-->)[^]){0,400}?\b(?:ignore (?:all |any )?(?:previous|prior|above)|do not (?:tell|mention|inform|reveal)|you must (?:run|execute|send)|curl\s+-|wget\s+http|exfiltrate (?:the|all|any|every|this|these|your|it)\b)/i,
  'instructs the model in a comment that people do not see',
);
