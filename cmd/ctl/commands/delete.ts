import type { ResourceType } from "../../../core/model/resource-type.ts";
import { expectOk } from "../rest-client.ts";
import type { Session } from "../session.ts";
import { findType, itemPath } from "../type-names.ts";

export async function runDelete(
  session: Session,
  types: readonly ResourceType[],
  word: string,
  name: string,
): Promise<number> {
  const type = findType(types, word);
  const client = await session.client();
  expectOk(await client.delete(itemPath(type, session.global.mesh, name)), `could not delete ${type.name} ${name}`);
  session.out(`deleted ${type.name} "${name}"\n`);
  return 0;
}
