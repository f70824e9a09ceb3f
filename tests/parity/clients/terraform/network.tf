# A network of one's own, a cache's subnet group in it, and an instance to reach caches from.

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
  default_tags { tags = { stack = "network" } }
}

data "aws_availability_zones" "all" {
  state = "available"
}

data "aws_ami" "linux" {
  most_recent = true
  owners      = ["amazon"]
  filter {
    name   = "name"
    values = ["al2023-ami-2023.*-x86_64"]
  }
}

resource "aws_vpc" "this" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_hostnames = true
}

resource "aws_subnet" "this" {
  count             = 2
  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(aws_vpc.this.cidr_block, 8, count.index)
  availability_zone = data.aws_availability_zones.all.names[count.index]
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_security_group" "clients" {
  name_prefix = "clients-"
  vpc_id      = aws_vpc.this.id
}

resource "aws_security_group" "caches" {
  name   = "caches"
  vpc_id = aws_vpc.this.id
  ingress {
    from_port       = 6379
    to_port         = 6379
    protocol        = "tcp"
    security_groups = [aws_security_group.clients.id]
  }
  ingress {
    description = "step ${var.step}"
    from_port   = 11211
    to_port     = 11211
    protocol    = "tcp"
    cidr_blocks = ["10.${var.step}.0.0/16", "0.0.0.0/0"]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  security_group_id = aws_security_group.clients.id
  cidr_ipv4         = "10.${var.step}.0.0/16"
  from_port         = 22
  to_port           = 22
  ip_protocol       = "tcp"
}

resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_elasticache_subnet_group" "this" {
  name       = "network"
  subnet_ids = aws_subnet.this[*].id
}

resource "aws_key_pair" "this" {
  key_name   = "network"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB ann@home"
}

resource "aws_instance" "this" {
  ami                    = data.aws_ami.linux.id
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.this[0].id
  vpc_security_group_ids = var.step == 1 ? [aws_security_group.clients.id] : [aws_security_group.clients.id, aws_security_group.caches.id]
  key_name               = aws_key_pair.this.key_name
  user_data              = "#!/bin/sh\necho hello\n"
  tags                   = { step = var.step }
}

output "address" {
  value = aws_instance.this.private_ip
}
