import { patternRule } from '../rule.ts';
import { setsVariable } from './shell-profile.ts';

/** What is written there is run, or read by an agent, later and again. A variable and nothing else is for `shell-profile`. */
export const persistence = patternRule(
  'persistence',
  'high',
  />>?\s*(?:~|\$HOME|\$\{HOME\})\/\.(?:bashrc|zshrc|profile|bash_profile|zprofile)\b[^\n]{0,5}$|\bcrontab\s+-(?:\s|$)|\|\s*crontab\b|(?:>>?|tee(?:\s+-a)?)\s*[^\s]{0,60}(?:Library\/LaunchAgents\/|\.config\/systemd\/user\/|\.claude\/(?:settings|CLAUDE)|\.git\/hooks\/)/im,
  'writes where things run again later',
  setsVariable,
);
