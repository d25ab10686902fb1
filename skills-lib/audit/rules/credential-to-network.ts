import { patternRule } from '../rule.ts';

/** A secret file and a request on one line. */
export const credentialToNetwork = patternRule(
  'credential-to-network',
  'high',
  /(?:~|\$HOME|\/home\/\w{1,32}|\/root)\/\.(?:ssh\/id_|aws\/credentials|netrc|npmrc|kube\/config|gnupg|docker\/config\.json)[^\n]{0,200}(?:\bcurl\b|\bwget\b|\bnc\b|https?:\/\/)|\b(?:curl|wget)\b[^\n]{0,200}(?:@|<\s*|\$\(cat\s+)(?:~|\$HOME)\/\.(?:ssh|aws|netrc|npmrc|kube|gnupg)|\b(?:env|printenv)\s*\|\s*(?:base64\s*\|\s*)?(?:curl|nc|wget)\b/i,
  'sends credentials over the network',
);
