# Every resource of the AWS provider that Millpond serves so far; `step` tells the first apply from the update.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "step" {
  type    = number
  default = 1
}

provider "aws" {
  skip_metadata_api_check = true
  skip_region_validation  = true
  default_tags { tags = { stack = "parity" } }
}

data "aws_subnets" "default" {}

resource "aws_elasticache_parameter_group" "this" {
  name        = "From-Terraform"
  family      = "valkey8"
  description = "step ${var.step}"
  lifecycle { ignore_changes = [description] }
  parameter {
    name  = "maxmemory-policy"
    value = var.step == 1 ? "allkeys-lru" : "allkeys-lfu"
  }
  dynamic "parameter" {
    for_each = var.step == 1 ? ["yes"] : []
    content {
      name  = "active-expire-effort"
      value = "2"
    }
  }
}

resource "aws_elasticache_subnet_group" "this" {
  name       = "From-Terraform"
  subnet_ids = slice(sort(data.aws_subnets.default.ids), 0, var.step + 1)
  tags       = { step = var.step }
}

resource "aws_elasticache_cluster" "valkey" {
  cluster_id           = "tf-valkey"
  engine               = "valkey"
  engine_version       = "8.1"
  node_type            = "cache.t4g.micro"
  num_cache_nodes      = 1
  parameter_group_name = aws_elasticache_parameter_group.this.name
  apply_immediately    = true
  maintenance_window   = var.step == 1 ? "sun:05:00-sun:06:00" : "mon:05:00-mon:06:00"
  tags                 = { step = var.step }
}

resource "aws_elasticache_cluster" "redis" {
  cluster_id        = "tf-redis"
  engine            = "redis"
  engine_version    = "7.1"
  node_type         = "cache.t4g.micro"
  num_cache_nodes   = 1
  subnet_group_name = aws_elasticache_subnet_group.this.name
}

resource "aws_elasticache_cluster" "memcached" {
  cluster_id        = "tf-memcached"
  engine            = "memcached"
  node_type         = "cache.t4g.micro"
  num_cache_nodes   = var.step == 1 ? 1 : 2
  apply_immediately = true
}

data "aws_elasticache_cluster" "redis" {
  cluster_id = aws_elasticache_cluster.redis.cluster_id
}

output "seen" {
  value = {
    valkey    = aws_elasticache_cluster.valkey.cache_nodes[0]
    redis     = data.aws_elasticache_cluster.redis.cache_nodes[0]
    memcached = aws_elasticache_cluster.memcached.configuration_endpoint
    version   = aws_elasticache_cluster.valkey.engine_version_actual
  }
}
