/** Stands in for pi's downloads of `fd` and `rg`: the program of that name is asked for, with an `exec:` permission. */
export async function ensureTool(tool: string): Promise<string> {
  return tool;
}

export const getToolPath = (tool: string): string => tool;
