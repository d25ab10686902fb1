import { patternRule } from '../rule.ts';

/** Words that turn a model against the person it works for. */
export const secrecyAndOverride = patternRule(
  'secrecy-override',
  'notice',
  /\b(?:ignore|disregard|forget) (?:all |any )?(?:of )?(?:the |your )?(?:previous|prior|earlier|system) (?:instructions|prompts?|rules)|\b(?:do not|don't|never) (?:tell|inform|notify|alert|mention (?:this|it) to) the user\b|\bwithout (?:telling|informing|notifying|asking) the user\b|\bbypass (?:the )?(?:safety|permission|approval|confirmation)/i,
  'asks the model for secrecy, or to leave its rules',
);
