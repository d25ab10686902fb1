import { patternRule } from '../rule.ts';

/** Places that exist to take in what somebody sends. */
export const exfiltrationSink = patternRule(
  'exfiltration-sink',
  'high',
  /https?:\/\/(?:[\w-]{1,60}\.)?(?:webhook\.site|requestbin\.(?:com|net)|pipedream\.net|interact\.sh|oast\.(?:fun|live|me|online|pro|site)|burpcollaborator\.net|requestcatcher\.com)\b|https?:\/\/api\.telegram\.org\/bot\d{6,12}:[\w-]{30,50}|https?:\/\/(?:ptb\.|canary\.)?discord(?:app)?\.com\/api\/webhooks\/\d{15,20}\/[\w-]{40}/i,
  'sends to a place that collects what is sent',
);
