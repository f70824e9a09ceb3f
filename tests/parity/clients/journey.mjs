// A cluster's life as the AWS SDK for JavaScript sees it. Prints one JSON document; given: a name to use, a password none.
import { createRequire } from "node:module";

const from = createRequire(process.argv[2] + "/");
const { ElastiCacheClient, paginateDescribeCacheClusters, waitUntilCacheClusterAvailable,
  waitUntilCacheClusterDeleted, ...elasticache } = from("@aws-sdk/client-elasticache");
const { STSClient, GetCallerIdentityCommand } = from("@aws-sdk/client-sts");

const client = new ElastiCacheClient({});
const identity = await new STSClient({}).send(new GetCallerIdentityCommand({}));
const CacheClusterId = "from-javascript";
const patience = { client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 };

const missing = await client.send(new elasticache.DescribeCacheClustersCommand({ CacheClusterId })).catch((e) => e);
const subnetGroups = await client.send(new elasticache.DescribeCacheSubnetGroupsCommand({}));
await client.send(new elasticache.CreateCacheParameterGroupCommand({
  CacheParameterGroupName: "from-javascript", CacheParameterGroupFamily: "valkey9", Description: "d & <d>",
}));
await client.send(new elasticache.ModifyCacheParameterGroupCommand({
  CacheParameterGroupName: "from-javascript",
  ParameterNameValues: [{ ParameterName: "maxmemory-policy", ParameterValue: "allkeys-lru" }],
}));
const changed = await client.send(new elasticache.DescribeCacheParametersCommand({
  CacheParameterGroupName: "from-javascript", Source: "user",
}));
const created = await client.send(new elasticache.CreateCacheClusterCommand({
  CacheClusterId, Engine: "valkey", CacheNodeType: "cache.t4g.micro", NumCacheNodes: 1,
  CacheParameterGroupName: "from-javascript", Tags: [{ Key: "maker", Value: "javascript ünïcode" }],
}));
const duplicate = await client.send(new elasticache.CreateCacheClusterCommand({
  CacheClusterId, Engine: "valkey", CacheNodeType: "cache.t4g.micro", NumCacheNodes: 1,
})).catch((e) => e);
await waitUntilCacheClusterAvailable(patience, { CacheClusterId });
const pages = [];
for await (const page of paginateDescribeCacheClusters({ client, pageSize: 20 }, { ShowCacheNodeInfo: true })) {
  pages.push(...page.CacheClusters);
}
const tags = await client.send(new elasticache.ListTagsForResourceCommand({ ResourceName: created.CacheCluster.ARN }));
const wrong = await new ElastiCacheClient({
  credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: "no" },
}).send(new elasticache.DescribeCacheClustersCommand({})).catch((e) => e);
const deleting = await client.send(new elasticache.DeleteCacheClusterCommand({ CacheClusterId }));
await waitUntilCacheClusterDeleted(patience, { CacheClusterId });
await client.send(new elasticache.DeleteCacheParameterGroupCommand({ CacheParameterGroupName: "from-javascript" }));
const events = await client.send(new elasticache.DescribeEventsCommand({ SourceIdentifier: CacheClusterId, SourceType: "cache-cluster" }));

const told = (e) => ({ name: e.name, status: e.$metadata?.httpStatusCode, message: e.message, fault: e.$fault });
console.log(JSON.stringify({
  identity: identity.Arn, missing: told(missing), duplicate: told(duplicate), wrong: told(wrong),
  subnetGroups: subnetGroups.CacheSubnetGroups.map((each) => each.CacheSubnetGroupName),
  changed: changed.Parameters.map((each) => [each.ParameterName, each.ParameterValue]),
  created: created.CacheCluster, pages, tags: tags.TagList, deleting: deleting.CacheCluster.CacheClusterStatus,
  events: events.Events.map((each) => [each.Message, each.Date]),
}));
