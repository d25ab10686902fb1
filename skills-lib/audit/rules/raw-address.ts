import { patternRule } from '../rule.ts';

/** A download from a bare public address or a paste: nobody answers for it. Loopback and private networks are left out. */
export const rawAddress = patternRule(
  'raw-address-download',
  'high',
  /\b(?:curl|wget|iwr|fetch|requests\.get)\b[^\n]{0,120}https?:\/\/(?:(?!127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|0\.0\.0\.0|169\.254\.)\d{1,3}(?:\.\d{1,3}){3}\b|(?:pastebin\.com\/raw|rentry\.co|glot\.io|paste\.ee|hastebin\.com|transfer\.sh|0x0\.st)\b)/i,
  'downloads from a bare address or a paste site',
);
