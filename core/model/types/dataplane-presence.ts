import { DATAPLANE_PRESENCE, type PresenceSpec } from "../dataplane-presence.ts";
import { defineInternalType } from "../internal-type.ts";

/** What the control plane knows about a proxy beside what the user wrote (design.md, "Presence of a proxy"). */
export const dataplanePresenceType = defineInternalType<PresenceSpec>(DATAPLANE_PRESENCE, "Mesh");
